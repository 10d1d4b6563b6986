-- The text of bytecode is not run either.
files[#files + 1] = string.dump(function() return {} end)
for _, text in ipairs(files) do
  local file = assert(io.open(folder .. "/codec.lua", "wb"))
  file:write(text)
  file:close()
  local began = os.clock()
  local ok, problem = pcall(vq.new, { config = folder .. "/codec.lua" })
  assert(not ok, text)
  assert(tostring(problem):find("codec.lua", 1, true) or text:find("^return"), text .. ": " .. tostring(problem))
  ok = pcall(config.load, folder .. "/codec.lua")
  assert(not ok or text:find("return"), text)
  assert(os.clock() - began < 10, "seconds: " .. os.clock() - began .. " for " .. text)
end
assert(not fs.exists("hurt") and not fs.exists(folder .. "/hurt"))
