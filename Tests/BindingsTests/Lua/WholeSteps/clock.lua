function spin(seconds)
  local began, loops = machine.now(), 0
  while machine.now() - began < seconds do
    loops = loops + 1
    tensor.ones(8):sum()        -- native code that polls as well
  end
  return loops
end
