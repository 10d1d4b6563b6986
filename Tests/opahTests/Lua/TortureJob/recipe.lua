--- A recipe of a batch.
local config, fs, tensor = require "opah.config", require "opah.fs", require "opah.tensor"
local args = config.parse_args(arg, { flags = { { "output", "output", "o", "where" } } })
fs.mkdir(args.output)
local number = tonumber(arg[0]:match("r(%d)%.lua$"))
local x = tensor.linspace(0, number, 50000)
for k = 1, 3 do
  for _ = 1, 10 do x = x:sin() end
  tensor.save_npy(fs.join(args.output, "t" .. k .. ".npy"), x)
end
fs.write(fs.join(args.output, "done.txt"), tostring(x:sum():item()))
