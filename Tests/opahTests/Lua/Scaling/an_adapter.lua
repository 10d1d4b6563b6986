for network, seconds in pairs { [1e9] = { 66.4, 34.1, 17.9, 10.1 }, [10e9] = { 66.4, 33.9, 17.7, 9.8 } } do
  for index, hosts in ipairs { 1, 2, 4, 8 } do
    near((scaling.step({
      rows = 8, row_seconds = 8.3, gradient_bytes = 20e6, network = network, latency = 0, balance = ({ 1, 0.98, 0.94, 0.85 })[index],
    }, hosts)), seconds[index], 0.01)
  end
end
-- A vector for each row: 0.43, 0.38, 0.30 s.
for hosts, seconds in pairs { [2] = 0.43, [4] = 0.38, [8] = 0.30 } do
  near(scaling.exchange({ rows = 8, gradient_bytes = 20e6, network = 1e9, latency = 0 }, hosts), seconds, 0.02)
end
-- A row of equal length per host.
for hosts, seconds in pairs { [2] = 8.47, [4] = 8.56, [8] = 8.60, [64] = 8.64 } do
  near((scaling.step({ rows = hosts, row_seconds = 8.3, gradient_bytes = 20e6, network = 1e9, latency = 0, balance = 1 }, hosts)), seconds, 0.002)
end
