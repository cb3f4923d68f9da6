"""The pass-through lane: other paths of known APIs, carried to a provider under the same rules as a model call.

    call.py     one request, step by step
    asked.py    its path: which API, which object, is it refused
    body.py     its body: models and objects that it names, batches line by line
    models.py   the models that it names
    choice.py   the provider that it goes to
    owners.py   whose objects are: asks and tells control, remembers
    fetch.py    one exchange with a provider, awaited
    answer.py   the answer: what was made, what it used, what the caller may see of a list
    settle.py   the journal
    stored.py   ordinary calls that store something, or name what is stored
    prefix.py   paths that begin with a provider's slug

Coroutines are fine here: none of this is on the common path.
"""
