"""fish-speech's own API: the request that its clients send, as MessagePack by `ormsgpack`, and the same as JSON."""
import base64, json, os
from .rows import expect
from .server import Server

TEXT = "The old bird waited behind the harbour again."
PACK = "application/msgpack"
ROWS = ["fish: tts as MessagePack of a pydantic model", "fish: JSON and MessagePack give the same sound", "fish: streamed is the same sound",
        "fish: inline references, MessagePack and JSON alike", "fish: vqgan encode and decode, MessagePack", "fish: a bad MessagePack body is 400"]
BARE = ["fish: tts as JSON: wav, flac, mp3, opus, pcm", "fish: tts streamed is the same sound", "fish: inline reference in base 64 changes the voice",
        "fish: vqgan encode and decode as JSON, and back", "fish: health by GET and POST"]


def fields(voice, **more):
    """Every field that the clients of releases 1.4 and 1.5 send, with what they send unless told otherwise."""
    return {"text": TEXT, "references": [], "reference_id": voice, "normalize": True, "format": "wav", "mp3_bitrate": 64, "opus_bitrate": -1000,
            "latency": "normal", "max_new_tokens": 250, "chunk_length": 200, "top_p": 0.7, "repetition_penalty": 1.0, "temperature": 0.1,
            "streaming": False, "use_memory_cache": "never", "seed": 5, **more}


def recording_path(): return os.path.join(Server.home, "examples", "data", "Alice", "4.80-7.20.wav")


def recording():
    """A clip of 2.9 s, and what is said in it."""
    with open(recording_path(), "rb") as sound, open(recording_path()[:-3] + "lab") as label: return sound.read(), label.read()


def check(rows, server):
    voice = (server.voices() or [None])[0]
    sound, label = recording()

    def tts(body, kind="application/json"):
        status, headers, answer = server.ask("/v1/tts", body, kind)
        expect(status == 200, status, answer[:300])
        return headers, answer
    with_reference = fields(None, references=[{"audio": base64.b64encode(sound).decode(), "text": label}])
    whole = spoken = coded = back = b""
    with rows.row(BARE[0]) as tell:
        whole = tts(fields(voice))[1]
        for form, magic, kind in (("wav", b"RIFF", "audio/wav"), ("flac", b"fLaC", "audio/flac"), ("opus", b"OggS", "audio/ogg"), ("mp3", b"\xff", "audio/mpeg"), ("pcm", whole[44:48], "audio/pcm")):
            headers, answer = tts(fields(voice, format=form))
            expect(answer.startswith(magic) and headers["content-type"] == kind and len(answer) > 5000, form, answer[:8], headers)
            expect(headers["content-disposition"] == f"attachment; filename=audio.{form}", headers)
    with rows.row(BARE[1]) as tell:
        headers, streamed = tts(fields(voice, streaming=True))
        expect(streamed[44:] == whole[44:] and headers.get("transfer-encoding") == "chunked", headers)
    with rows.row(BARE[2]) as tell:
        spoken = tts(with_reference)[1]
        expect(spoken[:4] == b"RIFF" and spoken != whole, len(spoken))
        tell(f"{len(sound)} bytes of reference, {len(spoken)} of sound")
    with rows.row(BARE[3]) as tell:
        status, _, answer = server.ask("/v1/vqgan/encode", {"audios": [base64.b64encode(sound).decode()] * 2})
        expect(status == 200, status, answer[:300])
        coded = json.loads(answer)["tokens"]
        expect(len(coded) == 2 and coded[0] == coded[1] and len(coded[0][0]) > 10, [len(c) for c in coded])
        status, _, answer = server.ask("/v1/vqgan/decode", {"tokens": coded})
        expect(status == 200, status, answer[:300])
        back = [base64.b64decode(one) for one in json.loads(answer)["audios"]]
        expect(len(back) == 2 and back[0] == back[1] and len(back[0]) % (2 * len(coded[0][0])) == 0, [len(b) for b in back])
        tell(f"{len(coded[0])} x {len(coded[0][0])} codes, {len(back[0])} bytes of float16")
    with rows.row(BARE[4]):
        for method in ("GET", "POST"): expect(server.ask("/v1/health", method=method)[::2] == (200, b'{"status": "ok"}'), method)

    try:
        import ormsgpack, pydantic
    except ImportError:
        return rows.skip(ROWS, "the ormsgpack package is not installed: no registry was reachable, or --offline")

    class Reference(pydantic.BaseModel):
        audio: bytes
        text: str
    Request = pydantic.create_model("Request", references=(list[Reference], []),
                                    **{name: (type(value) if value is not None else type(None) | str, value) for name, value in fields(voice).items() if name not in ("references", "reference_id")},
                                    reference_id=(str | None, None))

    def packed(**more): return ormsgpack.packb(Request(**{**fields(voice), **more}), option=ormsgpack.OPT_SERIALIZE_PYDANTIC)
    with rows.row(ROWS[0]): expect(tts(packed(), PACK)[1][:4] == b"RIFF")
    with rows.row(ROWS[1]): expect(tts(packed(), PACK)[1] == whole, "another sound")
    with rows.row(ROWS[2]): expect(tts(packed(streaming=True), PACK)[1][44:] == whole[44:], "another sound")
    with rows.row(ROWS[3]):
        expect(tts(packed(reference_id=None, references=[Reference(audio=sound, text=label)]), PACK)[1] == spoken, "another sound than with JSON")
    with rows.row(ROWS[4]):
        status, headers, answer = server.ask("/v1/vqgan/encode", ormsgpack.packb({"audios": [sound, sound]}), PACK)
        expect(status == 200 and headers["content-type"] == PACK and ormsgpack.unpackb(answer)["tokens"] == coded, status, headers)
        status, _, answer = server.ask("/v1/vqgan/decode", ormsgpack.packb({"tokens": coded}), PACK)
        expect(status == 200 and ormsgpack.unpackb(answer)["audios"] == back, status)
    with rows.row(ROWS[5]) as tell:
        for wrong in (packed()[:40], b"\xc1", b"", b"\xdf\xff\xff\xff\xff", ormsgpack.packb([1]), ormsgpack.packb({"text": b"\xff"}), packed(references=[{"audio": b"no sound", "text": ""}])):
            status, _, answer = server.ask("/v1/tts", wrong, PACK)
            expect(status == 400, status, wrong[:40], answer[:200])
