local path = folder .. "/x.safetensors"
tensor.save(path, {w = tensor.new{{1, 2}}, ids = tensor.new({3}, {dtype = "int32"})}, {note = "ü"})
local t, meta = tensor.load(path)
same(t.w, {{1, 2}}); same(t.ids, {3}); assert(t.ids:dtype() == "int32" and meta.note == "ü")
local only = tensor.load(path, {only = {"w"}}); assert(only.w and not only.ids)
fails("checkpoint", "no tensor 'v'", tensor.load, path, {only = {"v"}})
fails("argument", "mapped", function() t.w:zero_() end)
local copy = t.w:clone(); copy:zero_(); same(copy, {{0, 0}})

local path = folder .. "/x.npy"
tensor.save_npy(path, tensor.new({{1}, {2}}, {dtype = "int64"}))
local t = tensor.load_npy(path); same(t, {{1}, {2}}); assert(t:dtype() == "int64")
fails("file", "nothing.npy", tensor.load_npy, folder .. "/nothing.npy")
fails("argument", "tensors", tensor.save, folder .. "/y.safetensors", {1, 2})
