--- Steps of a training loop in Lua that can be stopped at any time: each is whole or was not taken.
local opah = require "opah"

local steps = {}

--- Calls `take` until it returns nothing, and hands what it returns to `after`, which may be stopped in the middle. When it
--- is stopped, by Ctrl-C or SIGTERM, `save` comes to its end first; then the error `interrupted` goes on.
---
---     local taken, saved = 0, nil
---     local function take() taken = taken + 1 return taken < 3 and taken or nil end
---     steps.run(take, function() end, function() saved = taken end)
---     taken, saved  --> 3, nil
---@param take fun(): any
---@param after fun(shown: any)
---@param save fun()
function steps.run(take, after, save)
  local ok, problem = pcall(function()
    while true do
      local shown = opah.finish(take)
      if not shown then return end
      after(shown)
    end
  end)
  if ok then return end
  if type(problem) == "userdata" and problem.kind == "interrupted" then opah.finish(save) end
  error(problem, 0)
end

return steps
