scaling = require "opah.scaling"
function near(value, wanted, part)
  if math.abs(value - wanted) > part * wanted then error(("%g, wanted %g"):format(value, wanted), 2) end
end
