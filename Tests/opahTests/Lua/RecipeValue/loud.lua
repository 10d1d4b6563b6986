--- Say how loud it would be.
-- opah run loud.lua data --gain 3
local recipe = require "opah.recipe"
return recipe {
  positionals = { { "folder", "path", "folder of clips" } },
  flags = { { "gain", "number", 0, "decibels to add", from = -60, to = 60 } },
  plan = function(args) return { seconds = 0.1 * args.gain, lines = { "adds " .. args.gain } } end,
  run = function(args)
    require "opah.fs".write("ran.txt", args.folder .. " " .. args.gain)
    if args.gain == 9 then error "too loud" end
    return args.gain == 7 and 3 or nil
  end,
}

