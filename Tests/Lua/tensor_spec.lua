-- A recipe's parts can be tested with busted: opah /usr/bin/busted Tests/Lua
local opah = require "opah"
local tensor = opah.tensor

describe("tensors", function()
  it("count positions from 1, and negative ones from the end", function()
    local t = tensor.new { { 1, 2, 3 }, { 4, 5, 6 } }
    assert.are.same({ 1, 2, 3 }, t[1]:totable())
    assert.are.same({ 4, 5, 6 }, t[-1]:totable())
    assert.has_error(function() return t[0] end)
  end)

  it("raise errors with a kind, which name both shapes", function()
    local ok, problem = pcall(function() return tensor.ones(2, 3):matmul(tensor.ones(4, 5)) end)
    assert.is_false(ok)
    assert.are.equal("shape", problem.kind)
    assert.matches("2", problem.message)
    assert.matches("5", tostring(problem))
  end)

  it("follow gradients", function()
    local x = tensor.new({ 1, 2, 3 }):requires_grad(true)
    local loss = (x * x):sum()
    loss:backward()
    assert.are.same({ 2, 4, 6 }, x.grad:totable())
  end)
end)
