--- Muon (Jordan et al. 2024): the momentum of a matrix's gradient, made nearly orthogonal before it is taken as the step.
--- It learns small transformers from nothing in fewer steps than AdamW; embeddings, outputs and vectors stay with AdamW.
--
--   local weights = { ["layers.1.wo"] = tensor.ones(2, 2):requires_grad(true), embeddings = tensor.ones(2):requires_grad(true) }
--   local optimizer = require "opah.muon".with_adamw(weights, { lr = 2e-3, muon_lr = 3e-3 })
local tensor, train = require "opah.tensor", require "opah.train"

---@class opah.muon
local muon = {}

--- The nearest matrix to x [m, n] with singular values of about 1 (0.65 to 1.2), by five steps of Newton and Schulz's
--- iteration with the coefficients of the paper.
---
---     made = muon.orthogonal(tensor.new {{3, 0}, {0, 2}})
---     (made - tensor.eye(2)):abs():max():item() < 0.35  --> true
---@param x Tensor
---@return Tensor
function muon.orthogonal(x)
  local tall = x:size(1) > x:size(2)
  if tall then x = x:t():contiguous() end
  x = x / (x:square():sum():sqrt() + 1e-7)
  for _ = 1, 5 do
    local gram = x:matmul(x:t())
    x = x * 3.4445 + (gram * -4.7750 + gram:matmul(gram) * 2.0315):matmul(x)
  end
  return tall and x:t():contiguous() or x
end

---@class opah.muon.Optimizer
---@field lr number Of embeddings, outputs and vectors.
---@field muon_lr number Of hidden matrices.
local Optimizer = {}
Optimizer.__index = Optimizer

-- Hidden matrices; embeddings and outputs have a row per token, each of which is a vector of its own.
local function is_hidden(name, weight)
  return #weight:shape() == 2 and not name:find("embeddings", 1, true) and not name:find("output.weight", 1, true)
end

--- An optimizer of both kinds, used as one of train.adamw is. A step of Muon changes an entry by about a fifth of its rate,
--- as AdamW's steps do (Liu et al. 2025), whatever the matrix's shape.
---
---     weights = { ["layers.1.wo"] = tensor.ones(2, 2):requires_grad(true), embeddings = tensor.ones(2):requires_grad(true) }
---     optimizer = muon.with_adamw(weights, { lr = 0.01, muon_lr = 0.01 })
---     loss = weights["layers.1.wo"]:square():sum() + weights.embeddings:sum()
---     loss:backward()
---     optimizer:step()
---     optimizer.names, weights["layers.1.wo"]:max():item() < 1  --> {"layers.1.wo"}, true
---@param named table<string, Tensor>
---@param options? { lr?: number, muon_lr?: number, momentum?: number, betas?: number[], eps?: number }
---@return opah.muon.Optimizer
function muon.with_adamw(named, options)
  options = options or {}
  local self = setmetatable({ lr = options.lr or 2e-3, muon_lr = options.muon_lr or 3e-3, momentum = options.momentum or 0.95,
    hidden = {}, names = {}, moments = {} }, Optimizer)
  local rest = {}
  for name, weight in pairs(named) do
    if is_hidden(name, weight) then
      self.hidden[name], self.names[#self.names + 1] = weight, name
    else
      rest[name] = weight
    end
  end
  table.sort(self.names)
  self.rest = train.adamw(rest, { lr = self.lr, betas = options.betas or { 0.9, 0.95 }, eps = options.eps or 1e-8 })
  return self
end

function Optimizer:step()
  self.rest.lr = self.lr
  self.rest:step()
  tensor.no_grad(function()
    for _, name in ipairs(self.names) do
      local weight = self.hidden[name]
      local gradient = weight.grad
      if gradient then
        local moment = self.moments[name] or tensor.zeros(weight:shape())
        self.moments[name] = moment
        moment:mul_(self.momentum):add_(gradient)
        local ahead = gradient + moment * self.momentum
        weight:add_(muon.orthogonal(ahead), { alpha = -self.muon_lr * 0.2 * math.sqrt(math.max(weight:size(1), weight:size(2))) })
      end
    end
  end)
end

function Optimizer:zero_grad()
  self.rest:zero_grad()
  for _, name in ipairs(self.names) do self.hidden[name].grad = nil end
end

--- What it remembers, for set_state.
---
---     optimizer = muon.with_adamw { ["layers.1.wo"] = tensor.ones(2, 2):requires_grad(true), norm = tensor.ones(2):requires_grad(true) }
---     optimizer:state().moments  --> {}
---@return table
function Optimizer:state() return { rest = self.rest:state(), moments = self.moments } end

--- Goes on from what `state` gave.
---
---     optimizer = muon.with_adamw { ["layers.1.wo"] = tensor.ones(2, 2):requires_grad(true), norm = tensor.ones(2):requires_grad(true) }
---     optimizer:set_state(optimizer:state())
---@param state table
function Optimizer:set_state(state)
  self.rest:set_state(state.rest)
  for name, moment in pairs(state.moments) do self.moments[name] = moment:clone() end
end

return muon
