local logs = {}
local summary = train.fit {
  model = adapted(), data = dataset { val_fraction = 0.5 }, project = "p", results = folder .. "/results",
  max_steps = 1, batch_size = 2, val_check_interval = 1, on_warning = function() end,
  on_step = function(log) assert(log.speaker_loss == nil) end,
  on_validation = function(log) logs[#logs + 1] = log end,
}
assert(#logs == 2)
for _, log in ipairs(logs) do
  for name, loss in pairs(log.speaker_loss) do
    assert((name == "Ann" or name == "花子") and math.abs(loss - log.loss) < 1)
  end
end
local page = fs.read(summary.folder .. "/report.html")
assert(page:find("<h2>Held-out loss by speaker</h2>", 1, true))
for name in pairs(logs[1].speaker_loss) do assert(page:find(name, 1, true), name) end
