import Bindings
import LuaHost
import XCTest

/// The names that other people's scripts rely on.
final class ContractTests: XCTestCase {
    /// Module -> functions, as they are called.
    private static let functions = [
        "tensor":
            "new zeros ones full empty range linspace eye manual_seed generator rand randn randint randperm cat stack where save load save_npy load_npy load_npz no_grad set_threads memory is_tensor",
        "nn": "linear embedding rms_norm layer_norm conv1d conv_transpose1d attention rope dropout cross_entropy",
        "audio": "load info save resample loudness normalize_loudness log_mel slice trim",
        "vq": "load new extract",
        "text": "read_label clean split tokenizer",
        "data": "scan filelist pack read pack_sentences collate dataset",
        "lm": "load new probabilities encode_prompt",
        "lora": "config apply save load merge merge_files",
        "train": "adamw constant_with_warmup cosine_with_warmup clip_grad_norm fit",
        "json": "decode encode null",
        "fs": "list glob stat exists mkdir copy move remove tempdir join dirname basename read write",
        "checkpoint": "load save", "config": "load parse_args", "progress": "bar", "report": "html"
    ]
    /// Class -> methods and properties.
    private static let members = [
        "Tensor": """
        shape size dim numel dtype stride nbytes item totable view reshape flatten squeeze unsqueeze transpose permute expand contiguous narrow select index_select gather scatter_ \
        split chunk pad masked_fill_ clone to copy_ fill_ zero_ add sub mul div pow neg abs exp log sqrt rsqrt tanh sigmoid silu gelu relu clamp round floor sin cos maximum minimum matmul \
        dot addmm_ norm sum mean var std prod max min argmax topk sort cumsum softmax log_softmax logsumexp any all nonzero eq ne lt le gt ge equal allclose requires_grad backward grad detach \
        add_ sub_ mul_ div_
        """,
        "Codec": "sample_rate hop_length frame_rate num_codebooks codebook_size encode decode features save",
        "Tokenizer": "encode decode id",
        "LanguageModel":
            "config tokenizer parameters named_parameters save forward loss generate compare generation_cost",
        "ProgressBar": "step done",
        "Dataset": "batch validation coverage state set_state",
        "AdamW": "step zero_grad state set_state lr"
    ]

    func testEveryNameOfTheContractIsThere() {
        for (name, functions) in Self.functions {
            let module = Catalog.opah.module(name)
            let present = Set(module?.declarations.map(\.name) ?? [])
            for function in functions.split(separator: " ") {
                XCTAssertTrue(present.contains(String(function)), "opah.\(name).\(function)")
            }
        }
        for (name, members) in Self.members {
            let present = Set(Catalog.opah.type(name)?.declarations.map(\.name) ?? [])
            for member in members.split(separator: " ") {
                XCTAssertTrue(present.contains(String(member)), "\(name).\(member)")
            }
        }
    }

    func testEveryDeclarationIsSoundAndItsExampleRuns() throws {
        XCTAssertEqual(Catalog.opah.problems(), [])
        XCTAssertEqual(try ExampleTests.failures(of: .opah), [])
    }
}
