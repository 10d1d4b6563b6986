function line(settings)
  local c = lora.config(settings)
  return ("%s %d %g %g %s"):format(c.kind, c.r, c.lora_alpha, c.lora_dropout, table.concat(c.targets, " "))
end
