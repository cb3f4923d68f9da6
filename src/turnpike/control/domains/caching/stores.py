"""Which store and which vectors the settings ask for. Each implementation's library is loaded where it is used."""

from importlib import import_module

from turnpike.control.db.database import Database
from turnpike.control.domains.caching.desk import AnswerDesk
from turnpike.control.infra.answers import AnswerStore
from turnpike.control.infra.secrets import Sealer
from turnpike.control.infra.vectors import Near, Vectors
from turnpike.settings import CacheStore, Settings

CONNECT_S = 1.0
ANSWER_S = 1.0


def open_desk(settings: Settings, sealer: Sealer, database: Database) -> AnswerDesk:
    """Nothing is connected or opened yet."""
    return AnswerDesk(settings.cache_store, sealer, _store(settings), LazyVectors(settings, database))


def _store(settings: Settings) -> AnswerStore | None:
    match settings.cache_store:
        case CacheStore.DISK:
            disk = import_module("turnpike.control.infra.answers.disk")
            return disk.DiskAnswers(settings.data_dir.resolve() / "answers.db", settings.cache_store_bytes)
        case CacheStore.REDIS:
            assert settings.redis_url is not None
            client = import_module("turnpike.control.infra.redis_client").open_client(
                settings.redis_url.get_secret_value(), connect_s=CONNECT_S, answer_s=ANSWER_S
            )
            return import_module("turnpike.control.infra.answers.redis_store").RedisAnswers(client)
        case CacheStore.OFF:
            return None


class LazyVectors:
    """The vectors that belong to the database, loaded when a semantic rule first needs them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._loaded: Vectors | None = None

    @property
    def _vectors(self) -> Vectors:
        if self._loaded is None:
            if self._database.is_sqlite:
                module = import_module("turnpike.control.infra.vectors.embedded")
                self._loaded = module.EmbeddedVectors(self._settings.data_dir.resolve() / "vectors.db")
            else:
                module = import_module("turnpike.control.infra.vectors.postgres")
                self._loaded = module.PostgresVectors(self._database)
        assert self._loaded is not None
        return self._loaded

    async def put(self, space: bytes, key: bytes, vector: bytes, expires_at_ms: int) -> None:
        await self._vectors.put(space, key, vector, expires_at_ms)

    async def nearest(self, space: bytes, vector: bytes) -> Near | None:
        return await self._vectors.nearest(space, vector)

    async def drop(self, key: bytes) -> None:
        await self._vectors.drop(key)

    async def clear(self) -> None:
        await self._vectors.clear()

    async def close(self) -> None:
        if self._loaded is not None:
            await self._loaded.close()
