for i, text in ipairs(texts) do
  local codes, info = speak(text, "rms")
  assert(not info.length_limit_hit, text)
  assert(codes:max():item() < codec.codebook_size)
  local seconds = codes:size(2) / codec.frame_rate
  assert(seconds > 1.5 and seconds < 5, ("%s: %.1f s"):format(text, seconds))
  local own = nll(model, text, codes, "rms")
  for k, other in ipairs(texts) do
    if k ~= i then assert(nll(model, other, codes, "rms") > own + 0.3, ("%s explains '%s'"):format(other, text)) end
  end
end
