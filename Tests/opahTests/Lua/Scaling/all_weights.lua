local function step(rows, hosts, network)
  return (scaling.step({
    rows = rows * hosts, row_seconds = 12.4, update_seconds = 1.5, gradient_bytes = 2e9, network = network, latency = 0, whole = true, balance = 1,
  }, hosts))
end
for index, hosts in ipairs { 1, 2, 4, 8 } do
  near(step(1, hosts, 1e9), ({ 13.9, 31.0, 39.5, 43.8 })[index], 0.01)
  near(step(8, hosts, 1e9), ({ 100.7, 117.8, 126, 131 })[index], 0.01)
  near(step(1, hosts, 10e9), ({ 13.9, 15.7, 16.6, 17.1 })[index], 0.02)
  near(step(8, hosts, 10e9), ({ 100.7, 102.5, 103, 104 })[index], 0.01)
end
