"""Bodies that a server must refuse: (what, bytes) for every route, and by route those that spoil one parameter."""
import json

HUGE = 10 ** 30
VALUES = [1e-40, -1, 10 ** 9, 1e308, -1e308, 2 ** 63, 2 ** 64, HUGE, .5, "NaN", "1", "", "x" * 20_000, True, [], [[]], {}, {"a": 1}, [None]]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number(low, high):
    return lambda value: is_number(value) and low <= value <= high


def whole(low, high):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def truth(value):
    return isinstance(value, bool)


def text(most):
    return lambda value: isinstance(value, str) and len(value) <= most


def empty(kind):
    return lambda value: isinstance(value, kind) and not value


def nothing(_):
    return False


def either(*kinds):
    return lambda value: any(kind(value) for kind in kinds)


# Of each parameter what is allowed among VALUES; everything else must be refused.
PARAMETERS = {
    "/v1/chat/completions": {
        "model": lambda value: value == "", "messages": nothing, "stream": truth, "stream_options": lambda value: isinstance(value, dict),
        "temperature": number(0, 2), "max_tokens": whole(1, 256), "max_completion_tokens": whole(1, 256),
        "seed": whole(-2 ** 63, 2 ** 63 - 1), "n": whole(1, 1), "stop": either(empty(list), lambda value: value in ("NaN", "1")),
        "logprobs": nothing, "top_logprobs": whole(0, 0), "user": text(256), "top_p": number(0, 1), "top_k": whole(0, 1000000),
        "presence_penalty": number(0, 0), "frequency_penalty": number(0, 0), "logit_bias": empty(dict), "tools": either(empty(list), empty(dict), empty(str)),
        "response_format": empty(dict), "attune": lambda value: isinstance(value, dict), "attune.items": whole(1, 4),
        "attune.stated": truth, "attune.conversation_id": nothing, "stream_options.include_usage": truth,
    },
    "/v1/recommend": {
        "messages": nothing, "conversation_id": nothing, "top": whole(1, 100), "diversity": number(0, 1), "explain": truth,
        "filters": lambda value: isinstance(value, dict), "filters.first_year": whole(-3000, 3000), "filters.last_year": whole(-3000, 3000),
        "filters.names": empty(list), "filters.exclude": empty(list), "filters.stated": truth, "filters.repeats": truth,
    },
    "/v1/events": {"sent_at": nothing, "events": lambda value: isinstance(value, list)},
    "/v1/consent": {"analytics": truth, "training": truth, "policy_version": text(32)},
}
SOUND = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2},
    "/v1/recommend": {"messages": [{"role": "user", "content": "hello"}]},
    "/v1/events": {"sent_at": "2026-01-01T00:00:00.000Z", "events": []},
    "/v1/consent": {"analytics": False, "training": False, "policy_version": "1"},
    "/v1/session": {},
}
MESSAGES = [["x"], [{"role": "king", "content": "x"}], [{"role": "user", "content": 5}], [{"role": "user", "content": [{"type": "image_url"}]}],
            [{"role": "user", "content": ["x"]}], [{"role": "user", "content": {"type": "text"}}], [{"role": "assistant", "content": "x"}],
            [{"content": "x"}], [{"role": 1, "content": "x"}], [{"role": "user", "content": "x" * 20_000}], [{"role": "system", "content": "x"}],
            [{"role": "user", "content": "x"}] * 201, [{"role": "user", "content": [{"type": "text", "text": "x" * 10_000}] * 2}]]


def with_value(sound, path, value):
    body = json.loads(json.dumps(sound))
    at = body
    *above, last = path.split(".")
    for key in above:
        at = at.setdefault(key, {})
    at[last] = value
    return body


def spoilt(route):
    """Sound requests of a route but for one parameter."""
    for path, allowed in PARAMETERS.get(route, {}).items():
        for value in VALUES:
            if not allowed(value):
                yield f"{path} {str(value)[:20]}", json.dumps(with_value(SOUND[route], path, value)).encode()
    if route == "/v1/chat/completions":
        for messages in MESSAGES:
            yield f"messages {str(messages)[:40]}", json.dumps({"messages": messages}).encode()


def broken():
    """What is no body of any route."""
    deep = 100_000
    yield from {
        "nothing": b"", "a brace": b"{", "a list": b"[]", "null": b"null", "a text": b'"x"', "a number": b"7", "two objects": b"{}{}",
        "a zero byte": b"\0", "a zero byte at the end": b"{}\0", "a comma": b'{"a":1,}', "no value": b'{"a":}', "no colon": b'{"a" 1}', "single quotes": b"{'a':1}",
        "a comment": b'{"a":1/*x*/}', "NaN": b'{"a":NaN}', "Infinity": b'{"a":Infinity}', "-Infinity": b'{"a":-Infinity}', "a bare NaN": b"NaN", "hexadecimal": b'{"a":0x10}',
        "a leading zero": b'{"a":01}', "a plus": b'{"a":+1}', "half a number": b'{"a":1e}', "a key twice": b'{"a":1,"a":2}', "a key twice, within": b'{"b":{"a":1,"a":1}}',
        "not UTF-8": b'{"a":"\xff\xfe"}', "UTF-8, too long": b'{"a":"\xc0\xaf"}', "half a character": b'{"a":"\xe2\x82"}', "UTF-8 of a surrogate": b'{"a":"\xed\xa0\x80"}',
        "half a surrogate": b'{"a":"\\ud800"}', "UTF-16": '{"a":1}'.encode("utf-16"), "a control character": b'{"a":"\x01"}', "a line within a text": b'{"a":"\n"}', "a wrong escape": b'{"a":"\\x41"}',
        "deep lists": b'{"a":' + b"[" * deep + b"]" * deep + b"}", "deep objects": b'{"a":' * deep + b"1" + b"}" * deep, "open lists": b"[" * deep,
        "open objects": b'{"a":' * deep, "XML": b"<a/>", "a form": b"a=1&b=2", "a script": b"<script>alert(1)</script>", "a million": b"x" * 1_000_000,
    }.items()
