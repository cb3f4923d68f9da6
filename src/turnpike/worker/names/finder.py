"""Presidio's analyzer over the spaCy models that the settings name, one for each language.

Presidio and spaCy are imported when a finder is made: they take seconds and hundreds of megabytes. Of Presidio's
recognizers the one of names is used alone; what has a pattern is found by the relay (turnpike.wire.guards).
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from turnpike.contract.names import Name
from turnpike.errors import ConfigurationError

_ENTITIES = {
    "PERSON": "person",
    "LOCATION": "location",
    "ORGANIZATION": "organization",
    "NRP": "group",
    "DATE_TIME": "date",
}
_LABELS = {
    "PER": "PERSON", "PERSON": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "FAC": "LOCATION",
    "LOCATION": "LOCATION", "ORG": "ORGANIZATION", "ORGANIZATION": "ORGANIZATION", "NORP": "NRP",
    "DATE": "DATE_TIME", "TIME": "DATE_TIME",
}  # fmt: skip
"""What spaCy's models call things (OntoNotes, WikiNER) and what Presidio does."""
_PIECE_CHARS = 20_000
"""Longer texts are looked at in pieces: a model's memory grows with the text."""


class Finder:
    def __init__(self, models: Mapping[str, str]) -> None:
        """Raises ConfigurationError when a package or a model is not there."""
        self._languages = tuple(models)
        try:
            analyzer = import_module("presidio_analyzer")
            engines = import_module("presidio_analyzer.nlp_engine")
            recognizers = import_module("presidio_analyzer.predefined_recognizers")
        except ImportError as error:
            raise ConfigurationError(
                f"Presidio is not installed here ({error}): pip install 'turnpike[names]'"
            ) from error
        wanted = [{"lang_code": language, "model_name": model} for language, model in models.items()]
        labels = engines.NerModelConfiguration(
            labels_to_ignore=["CARDINAL", "ORDINAL", "QUANTITY", "MONEY", "PERCENT"],
            model_to_presidio_entity_mapping=_LABELS,
            low_score_entity_names=[],
        )
        engine = engines.SpacyNlpEngine(models=wanted, ner_model_configuration=labels)
        try:
            engine.load()
        except (OSError, ValueError, ImportError) as error:
            raise ConfigurationError(f"a spaCy model cannot be loaded: {error}") from error
        made = [
            recognizers.SpacyRecognizer(supported_language=language, supported_entities=list(_ENTITIES))
            for language in self._languages
        ]
        registry = analyzer.RecognizerRegistry(recognizers=made, supported_languages=list(self._languages))
        self._engine: Any = analyzer.AnalyzerEngine(
            registry=registry, nlp_engine=engine, supported_languages=list(self._languages)
        )

    def find(self, text: str) -> tuple[Name, ...]:
        """In the text's order, none within another: of two that overlap the surer one, then the longer one."""
        found: list[Name] = []
        for offset, piece in _pieces(text):
            for language in self._languages:
                results = self._engine.analyze(text=piece, language=language, entities=list(_ENTITIES))
                found += [
                    Name(_ENTITIES[each.entity_type], offset + each.start, offset + each.end, float(each.score))
                    for each in results
                    if each.entity_type in _ENTITIES and each.end > each.start
                ]
        return _apart(found)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Cut at the end of a line, or at a space, where there is one in a piece's last part."""
    place = 0
    while place < len(text):
        end = min(len(text), place + _PIECE_CHARS)
        if end < len(text):
            least = place + _PIECE_CHARS * 3 // 4
            end = max(text.rfind("\n", least, end), text.rfind(" ", least, end)) + 1 or end
        yield place, text[place:end]
        place = end


def _apart(found: list[Name]) -> tuple[Name, ...]:
    taken: list[Name] = []
    for one in sorted(found, key=lambda each: (-each.score, each.start - each.end)):
        if all(one.end <= other.start or one.start >= other.end for other in taken):
            taken.append(one)
    return tuple(sorted(taken, key=lambda each: each.start))
