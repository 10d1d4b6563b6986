import CLua
import LuaShim
import Support

/// What the C side calls. None of these raises: errors are pushed, and C raises them when no Swift
/// frame is left.
enum Dispatch {
    static let install: Void = {
        var callbacks = shim_callbacks(
            dispatch: { L, function in
                let declaration = Unmanaged<Declaration>.fromOpaque(function!)
                return declaration._withUnsafeGuaranteedRef {
                    do { return try $0.invoke(L!) } catch {
                        pushError(error, L!)
                        return -1
                    }
                }
            },
            release: { L, box, object in
                ExternalMemory.release(box!.pointee.bytes, L!)
                let value = Unmanaged<AnyObject>.fromOpaque(object!)
                Unmanaged<LuaClass>.fromOpaque(box!.pointee.type!)._withUnsafeGuaranteedRef {
                    if $0.closes { $0.onClose?(value.takeUnretainedValue()) }
                }
                value.release()
            },
            message: { addTraceback($0!) },
            interrupted: { pushError(OpahError(.interrupted, "interrupted"), $0!) })
        shim_setup(&callbacks)
    }()
}
