--- What work costs at least: arithmetic in FLOP (a multiplication and an addition are two) and bytes that must be read.
local floors = {}

-- Weights of one transformer layer, in matrices.
local function layer(dim, heads, groups, width)
  local head = dim // heads
  return dim * (dim + 2 * groups * head) + dim * dim + 3 * dim * width
end

-- Weights in matrices that every token (slow) and every position of a frame (fast) go through.
local function matrices(c)
  local slow = c.n_layer * layer(c.dim, c.n_head, c.n_local_heads, c.intermediate_size) + c.dim * c.vocab_size
  local width = c.fast_dim or c.dim
  local fast = (c.n_fast_layer or 0) * layer(width, c.fast_n_head or c.n_head, c.fast_n_local_heads or c.n_local_heads,
    c.fast_intermediate_size or c.intermediate_size) + width * c.codebook_size
  return slow, fast
end

--- One LoRA step over `tokens` real tokens, `frames` of them speech: forward, and backward through frozen weights,
-- each once through every matrix. Adapters and attention, a few percent, are left out.
function floors.training(config, tokens, frames)
  local slow, fast = matrices(config)
  return { flops = 4 * (tokens * slow + frames * config.num_codebooks * fast) }
end

--- Seconds that a cost takes at measured rates: arithmetic and reading overlap at best.
function floors.seconds(cost, rates)
  return math.max((cost.flops or 0) / rates.matrix_rate, (cost.bytes or 0) / rates.read_bandwidth)
end

-- Per second of sound, at the true size of 1.4: 33 and 540 GFLOP for ten seconds, the latter by direct convolution.
floors.encoding = 3.3e9
floors.decoding = 54e9

return floors
