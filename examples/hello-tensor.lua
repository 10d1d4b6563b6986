--- Tensors and gradients in a minute: shapes, views, broadcasting, and a straight line found by descent.
-- opah run examples/hello-tensor.lua
-- needs: nothing
-- expect: a 2 x 3 tensor, its column means, and a line that ends near y = 2 x - 1
local opah = require "opah"
local tensor = opah.tensor

return opah.recipe {
  flags = {
    { "steps", "integer", 200, "steps of gradient descent" },
    { "output", "output", "out/hello-tensor", "the folder for line.safetensors" },
  },
  run = function(args)
    -- Positions count from 1, negative ones from the end; `*` is elementwise, sizes of 1 stretch.
    local t = tensor.new { { 1, 2, 3 }, { 4, 5, 6 } }
    print(t)
    print("last column:", t[{ {}, -1 }], "last element:", t[{ -1, -1 }])
    print("column means:", t:mean(1))
    print("rows minus their means:", t - t:mean(2, { keepdim = true }))

    -- A line through noisy points: y = 2 x - 1.
    local random = tensor.generator(1)
    local x = tensor.rand(100, { generator = random }) * 4 - 2
    local y = x * 2 - 1 + tensor.randn(100, { generator = random }) * 0.1
    local slope = tensor.zeros(1):requires_grad(true)
    local offset = tensor.zeros(1):requires_grad(true)
    for step = 1, args.steps do
      local loss = ((x * slope + offset - y) ^ 2):mean()
      loss:backward()
      tensor.no_grad(function()
        slope:sub_(slope.grad * 0.1)
        offset:sub_(offset.grad * 0.1)
      end)
      slope.grad, offset.grad = nil, nil
      if step % 50 == 0 then print(("step %3d: loss %.4f"):format(step, loss:item())) end
    end
    print(("y = %.2f x %+.2f"):format(slope:item(), offset:item()))

    -- What was learnt, in a file.
    opah.fs.mkdir(args.output)
    tensor.save(opah.fs.join(args.output, "line.safetensors"), { slope = slope:detach(), offset = offset:detach() })
  end,
}
