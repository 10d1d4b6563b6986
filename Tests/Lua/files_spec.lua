local opah = require "opah"
local fs, json = opah.fs, opah.json

describe("files", function()
  local folder
  before_each(function() folder = fs.tempdir() end)
  after_each(function() fs.remove(folder, { recursive = true }) end)

  it("come back as they were written", function()
    local path = fs.join(folder, "ü.json")
    local value = { list = { 1, 2.5, "three" }, nothing = json.null, yes = true }
    fs.write(path, json.encode(value))
    assert.are.same(value, json.decode(fs.read(path)))
    assert.are.same({ path }, fs.list(folder))
  end)

  it("are found below folders", function()
    fs.mkdir(fs.join(folder, "a/b"))
    fs.write(fs.join(folder, "a/b/c.wav"), "")
    fs.write(fs.join(folder, "a/d.txt"), "")
    assert.are.same({ fs.join(folder, "a/b/c.wav") }, fs.list(folder, { recursive = true, extension = "wav" }))
    assert.has_error(function() fs.remove(folder) end)
  end)
end)

describe("settings", function()
  it("take overrides and name what is misspelt", function()
    local settings = opah.config.load("text2semantic_finetune", { "trainer.max_steps=7" })
    assert.are.equal(7, settings.trainer.max_steps)
    local ok, problem = pcall(opah.config.load, "text2semantic_finetune", { "trainer.max_stesp=7" })
    assert.is_false(ok)
    assert.matches("max_steps", tostring(problem))
  end)
end)
