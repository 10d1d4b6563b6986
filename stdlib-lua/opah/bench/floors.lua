--- What work costs at least: arithmetic in FLOP (a multiplication and an addition are two) and bytes that must be read.
local floors = {}

--- Seconds that a cost takes at measured rates: arithmetic and reading overlap at best.
function floors.seconds(cost, rates)
  return math.max((cost.flops or 0) / rates.matrix_rate, (cost.bytes or 0) / rates.read_bandwidth)
end

-- Per second of sound, at the true size of 1.4: 33 and 540 GFLOP for ten seconds, the latter by direct convolution.
floors.encoding = 3.3e9
floors.decoding = 54e9

return floors
