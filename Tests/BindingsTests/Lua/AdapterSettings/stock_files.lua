local checked = 0
for _, path in ipairs(fs.glob(fs.dirname(tiny) .. "/../../stdlib-lua/opah/configs/lora/*.lua")) do
  local name = fs.basename(path):match("^(.*)%.lua$")
  local r, alpha, rest = name:match("^r_(%d+)_alpha_(%d+)(.*)$")
  local kind = rest:match("_(%a+)$")
  kind = (kind == "dora" or kind == "rslora") and kind or "lora"
  local target = rest:gsub("_" .. kind .. "$", ""):gsub("^_", "")
  assert(line(name) == ("%s %s %s %s %s"):format(kind, r, alpha, kind == "dora" and "0" or "0.01", target == "" and "all" or target), name)
  checked = checked + 1
end
assert(checked == 30, checked)
