function codec() return opah.vq.load { config = tiny .. "/codec.lua", checkpoint = tiny .. "/codec.pth" } end
