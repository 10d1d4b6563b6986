"""The `openai` package against the server: formats, streams, lists, errors, retries."""
import asyncio, base64, io, json, time
from .rows import expect
from .server import Server

TEXT = "The old bird waited behind the harbour again."
HEAD = 44                                # bytes of a wav file before its samples
ROWS = ["openai: wav, and pcm is its samples", "openai: wav streamed in pieces is the same sound", "openai: server-sent events are the same sound",
        "openai: sixteen at a time (AsyncOpenAI)", "openai: lists of models and voices", "openai: what cannot be is a BadRequestError"]
SOUNDS = [f"openai: {form}, read by libsndfile" for form in ("flac", "mp3", "opus")]
REFUSALS = ["openai: a wrong token is an AuthenticationError", "openai: 429 is retried until it is answered"]
MISSING = "the openai package is not installed: no registry was reachable, or --offline"


def package():
    try: import openai
    except ImportError: return None
    return openai


def client(server, **more): return package().OpenAI(base_url=server.url + "/v1", api_key=server.token or "none", **more)


def check(rows, server):
    if not package(): return rows.skip(ROWS + SOUNDS, MISSING)
    ask, voice = client(server, max_retries=0), server.voices()
    voice = voice[0] if voice else "default"

    def speech(form, **more): return ask.audio.speech.create(model="opah", voice=voice, input=TEXT, response_format=form, **more).content
    whole = b""
    with rows.row(ROWS[0]) as tell:
        whole = speech("wav")
        samples = speech("pcm")
        expect(whole[:4] == b"RIFF" and whole[HEAD:] == samples and len(samples) > 16000, len(whole), len(samples))
        tell(f"{len(samples)} bytes")
    with rows.row(ROWS[1]) as tell:
        with ask.audio.speech.with_streaming_response.create(model="opah", voice=voice, input=TEXT, response_format="wav", stream_format="audio") as answer:
            pieces = list(answer.iter_bytes(4096))
        expect(b"".join(pieces)[HEAD:] == whole[HEAD:], "other samples than unstreamed")
        expect(len(pieces) > 1, "one piece")
        tell(f"{len(pieces)} pieces")
    with rows.row(ROWS[2]) as tell:
        with ask.audio.speech.with_streaming_response.create(model="opah", voice=voice, input=TEXT, response_format="pcm", stream_format="sse") as answer:
            events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
        expect([e["type"] for e in events[-1:]] == ["speech.audio.done"], events[-1:])
        expect(b"".join(base64.b64decode(e["audio"]) for e in events if e["type"] == "speech.audio.delta") == whole[HEAD:], "other samples")
        tell(f"{len(events) - 1} deltas, {events[-1]['usage']['output_tokens']} frames")
    with rows.row(ROWS[3]) as tell:
        async def many():
            async with package().AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as each:
                calls = [each.audio.speech.create(model="opah", voice=voice, input=TEXT, response_format="wav") for _ in range(16)]
                return [answer.content for answer in await asyncio.gather(*calls)]
        expect(all(one == whole for one in asyncio.run(many())), "sound depends on who else asks")
    with rows.row(ROWS[4]) as tell:
        models = [model.id for model in ask.models.list()]
        expect(len(models) == 1, models)
        found = [one["id"] for one in ask.get("/voices", cast_to=object)["data"]]
        expect(found == server.voices(), found)
        tell(", ".join(models + found))
    with rows.row(ROWS[5]) as tell:
        for wrong in ({"speed": 2}, {"instructions": "Whisper."}, {"response_format": "aac"}, {"voice": "nobody"}, {"input": ""}, {"stream_format": "video"}):
            try: ask.audio.speech.create(**{"model": "opah", "voice": voice, "input": TEXT, **wrong})
            except package().BadRequestError as problem: expect(problem.body["message"], problem.body)
            else: expect(False, wrong, "was answered")
    try: import soundfile
    except (ImportError, OSError) as problem: return rows.skip(SOUNDS, f"soundfile is not there: {problem}")
    original, rate = soundfile.read(io.BytesIO(whole), dtype="int16")
    loudness = (original.astype("float64") ** 2).mean()
    for form, name in zip(("flac", "mp3", "opus"), SOUNDS):
        with rows.row(name) as tell:
            found, its_rate = soundfile.read(io.BytesIO(speech(form)), dtype="int16")
            longer = len(found) / its_rate - len(original) / rate
            ratio = (found.astype("float64") ** 2).mean() * len(found) / its_rate / loudness / len(original) * rate
            # mp3 and opus come in blocks, whose padding decoders may leave in.
            expect((found.tolist() == original.tolist()) if form == "flac" else abs(longer) < 0.15 and 0.8 < ratio < 1.25, longer, ratio)
            tell(f"{its_rate} Hz, {longer:+.3f} s, energy {ratio:.3f} of the wav's")


def check_refusals(rows, flags):
    """What needs servers of its own: with a token, and with a single place."""
    if not package(): return rows.skip(REFUSALS, MISSING)
    with rows.row(REFUSALS[0]) as tell, Server(flags, token="right-token") as server:
        expect(len(list(client(server).models.list())) == 1)
        try: package().OpenAI(base_url=server.url + "/v1", api_key="wrong", max_retries=0).models.list()
        except package().AuthenticationError as problem: tell(problem.status_code)
        else: expect(False, "was answered")
    with rows.row(REFUSALS[1]) as tell, Server(flags + ["--streams", "1", "--queue", "0"]) as server:
        async def both(retries):
            async with package().AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=retries) as each:
                calls = [each.audio.speech.create(model="opah", voice=(server.voices() or ["default"])[0], input=(TEXT + " ") * 4, response_format="wav") for _ in range(3)]
                return await asyncio.gather(*calls, return_exceptions=True)
        told = asyncio.run(both(0))
        refused = [one for one in told if isinstance(one, package().RateLimitError)]
        expect(len(refused) == 2, told)
        expect(all(one.response.headers["retry-after"] for one in refused), "no Retry-After")
        begun = time.monotonic()
        told = asyncio.run(both(8))
        expect(not any(isinstance(one, Exception) for one in told), told)
        tell(f"all of 3 after {time.monotonic() - begun:.1f} s")
