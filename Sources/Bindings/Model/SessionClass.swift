import Codec
import LanguageModel
import LuaHost
import Support
import Tensors

extension SpeechSession: LuaObject {
    public static let luaClass = LuaClass(
        "SpeechSession", of: SpeechSession.self,
        "Texts that a model speaks in step, and that come and go one by one: each step reads the weights once for all of them."
    ) { c in
        let session = "session = lm.load(opah.embedded.model):session()"
        c.method(
            "add",
            """
            (opts: {text: string, prompt_text?: string[] "of references", prompt_tokens?: Tensor[] "their codes [C, T]", \(SpeechOptions.ofOneSample), \
            codec?: Codec "codes that it does not have are never drawn"}) -> integer
            """,
            "One more text to speak, with the options of `model:generate`; gives its number. What it becomes is what `model:generate` gives with the same seed, whatever else is spoken.",
            example: session + """

                session:add { text = "Hi.", max_new_tokens = 2 }, session:add { text = "Ho.", max_new_tokens = 3 }, session:count()  --> 1, 2, 2
                """
        ) { session, call in
            var speech = try SpeechOptions.ofOneSample.read(call.options)
            speech.generation.codecSize = try call.option("codec", as: Codec?.self)?.codebookSize
            let texts = try call.option("prompt_text", as: [String]?.self) ?? [],
                codes = try call.option("prompt_tokens", as: [Tensor]?.self) ?? []
            guard texts.count == codes.count else {
                throw call.error(
                    "\(texts.count) prompt_text for \(codes.count) prompt_tokens", hint: "give both for each reference")
            }
            return try call.push(
                session.add(
                    call.option("text"), references: zip(texts, codes).map { VoiceReference(text: $0, codes: $1) },
                    speech))
        }
        c.method(
            "step",
            "() -> {number: integer, codes?: integer[], ended?: boolean, length_limit_hit?: boolean, problem?: string}[]",
            "One frame more of every text: its `number` and the `codes` of the frame; `ended` after the last one; `problem` when it cannot go on, which stops no other.",
            example: session + """

                session:add { text = "Hi.", max_new_tokens = 1 }
                events = session:step()
                #events, #events[1].codes, events[2].ended, session:count()  --> 2, 8, true, 0
                """
        ) { session, call in
            try call.push(
                List(
                    session.step().map { number, event in
                        switch event {
                        case .frame(let codes): return ["number": number, "codes": codes.map { Int($0) }] as Fields
                        case .ended(let speech):
                            return [
                                "number": number, "ended": true,
                                "length_limit_hit": speech.pieces.contains { $0.end != .complete }
                            ] as Fields
                        case .failed(let error):
                            return ["number": number, "problem": (error as? OpahError)?.message ?? "\(error)"] as Fields
                        }
                    }))
        }
        c.method(
            "nats", "(text: string, codes: Tensor, opts?: {speaker?: string = \"assistant\"}) -> Tensor",
            "How likely codes [C, T] are after a text, under the weights that speak here: the negative logarithm for each frame, the mean over codebooks, in nats for a code [T]. About log(codes of a codebook) where nothing is known.",
            example: session + """

                codes = tensor.zeros(8, 5, { dtype = "int32" })
                nats = session:nats("Hi.", codes)
                #nats, nats:mean():item() > 0  --> 5, true
                """
        ) { session, call in
            try call.push(
                session.nats(call.string(1), codes: call.object(2), speaker: call.option("speaker")))
        }
        c.method(
            "cancel", "(number: integer)", "Speaks a text no further.",
            example: session + "\nsession:cancel(session:add { text = \"Hi.\" })\nsession:count()  --> 0"
        ) { session, call in
            session.cancel(try call.integer(1))
            return .none
        }
        c.method(
            "count", "() -> integer", "How many texts are being spoken.", example: session + "\nsession:count()  --> 0"
        ) { session, call in
            try call.push(session.count)
        }
    }
}
