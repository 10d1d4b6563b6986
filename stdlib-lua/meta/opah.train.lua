---@meta opah.train
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Training: an optimizer, schedules, clipping, and the whole loop with checkpoints that it resumes from.
---@class opah.train
local train = {}

---Adam with decoupled weight decay, in PyTorch's order of operations, for float32 tensors: a list (`model:parameters()`) or a table by name. An empty list is an error.
---
---```lua
---w = tensor.new { 1, -2 }:requires_grad(true)
---optimizer = train.adamw({ w }, { lr = 0.1 })
---w:pow(2):sum():backward()
---optimizer:step()
---w  --> [ 0.9000, -1.9000]
---```
---@param params table
---
---- `lr`: the learning rate [model.optimizer.lr]
---- `betas`: decay of the running means of gradients and of their squares [model.optimizer.betas]
---- `eps`: added to the root of the second mean [model.optimizer.eps]
---- `weight_decay`: share of a weight that a step takes away, times lr [model.optimizer.weight_decay]
---@param opts? {lr?: number, betas?: number[], eps?: number, weight_decay?: number} defaults: lr = 0.0001, betas = {0.9, 0.95}, eps = 1e-05, weight_decay = 0.0
---@return AdamW
function train.adamw(params, opts) end

---A function from the number of steps taken so far (0 before the first) to the factor on the learning rate: from 0 to 1 in `warmup` steps, then 1. A `warmup` below 1 is a part of `total`.
---
---```lua
---factor = train.constant_with_warmup(10)
---factor(0), factor(5), factor(1000)  --> 0.0, 0.5, 1.0
---```
---@param warmup number
---@param total? integer
---@return function
function train.constant_with_warmup(warmup, total) end

---As `constant_with_warmup`, and then down along a cosine until `total` steps, never below `final_lr_ratio`. `num_cycles` 0.5 is half a wave: down once.
---
---```lua
---factor = train.cosine_with_warmup(10, 110, { final_lr_ratio = 0.1 })
---factor(5), factor(60), factor(110)  --> 0.5, 0.5, 0.1
---```
---@param warmup number
---@param total integer
---
---- `num_cycles`: of the cosine; 0.5 goes down once [model.lr_scheduler.lr_lambda.num_cycles]
---- `final_lr_ratio`: what the cosine never goes below [model.lr_scheduler.lr_lambda.final_lr_ratio]
---@param opts? {num_cycles?: number, final_lr_ratio?: number} defaults: num_cycles = 0.5, final_lr_ratio = 0.0
---@return function
function train.cosine_with_warmup(warmup, total, opts) end

---Scales the gradients, in place, so that their common 2-norm is at most `max`; returns the norm that they had. Parameters without a gradient count as 0.
---
---```lua
---w = tensor.new { 3, 4 }:requires_grad(true)
---w:pow(2):sum():backward()
---train.clip_grad_norm({ w }, 1), w.grad  --> 10.0, [0.6000, 0.8000]
---```
---@param params Tensor[]
---@param max number
---@return number
function train.clip_grad_norm(params, max) end

---Trains the model's adapter, or all weights when it has none, in the folder `results`/`project`: checkpoints, metrics.jsonl, tensorboard, config.lua, report.html. A project that has checkpoints goes on from the last one, exactly. The run ends by what is reached first of `max_steps`, `max_passes` and `max_time`. Steps are planned to stay below `memory_budget`; a run that cannot is refused before its first step, as is one whose checkpoints the disk cannot hold. Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 finish the step and save. Under mpirun, srun --mpi=pmix or `opah launch` the rows of a step are dealt out to all processes, and a LoRA checkpoint has the same bytes for any number of them; the callbacks run on rank 1 (see `opah.dist`). Of an option that is a setting, its key there stands in brackets: `opah run train` hands it on. The exit code of what it returns is 0, 3 when clips were left out, 130 when interrupted.
---
---```lua
---model = lm.load(opah.embedded.model)
---lora.apply(model, "r_4_alpha_8")
---ds = data.dataset { protos = "data/protos", tokenizer = model.tokenizer, max_length = 512, val_fraction = 0.2 }
---summary = train.fit {
---  model = model, data = ds, project = "my-voice", max_steps = 2, batch_size = 1, progress = false,
---  on_step = function(log) print(log.step, log.loss) end, on_warning = function() end,
---}
---summary.ending, summary.step, summary.checkpoint  --> "finished", 2, "results/my-voice/checkpoints/step_000000002.ckpt"
---```
---
---- `project`: the run's name: its folder is results/<project>
---- `results`: the folder of projects
---- `config`: settings to write into config.lua, for the record
---- `resume`: go on from the project's last checkpoint; with false a project that has one is refused [resume]
---- `seed`: of dropout [seed]
---- `max_steps`: optimizer steps, of all runs of the project together; 1000 when nothing else ends it [trainer.max_steps]
---- `max_passes`: passes over all clips [trainer.max_passes]
---- `max_time`: seconds, or as in '8h', '1 d 12 h' and '01:12:00:00' (days first); what metrics.jsonl has of earlier runs' steps and validations counts [trainer.max_time]
---- `batch_size`: rows of a batch [data.batch_size]
---- `accumulate_grad_batches`: batches whose gradients are added up before a step [trainer.accumulate_grad_batches]
---- `gradient_clip_val`: largest 2-norm of all gradients; 0 clips nothing [trainer.gradient_clip_val]
---- `lr`: the learning rate [model.optimizer.lr]
---- `betas`: decay of the running means of gradients and of their squares [model.optimizer.betas]
---- `eps`: added to the root of the second mean [model.optimizer.eps]
---- `weight_decay`: share of a weight that a step takes away, times lr [model.optimizer.weight_decay]
---- `ema_decay`: of a moving average of what is trained, as 0.99, which is then what is validated and saved; 0 keeps none [ema_decay]
---- `val_check_interval`: batches from one validation to the next; 0 never validates [trainer.val_check_interval]
---- `limit_val_batches`: batches of a validation; the whole held-out set unless set [trainer.limit_val_batches]
---- `every_n_train_steps`: optimizer steps from one checkpoint to the next [callbacks.model_checkpoint.every_n_train_steps]
---- `save_top_k`: checkpoints of all weights that are kept; those of adapters all are
---- `dry_run`: only plan, and measure the machine to tell the time
---- `progress`: show plan, bar, validations, checkpoints and the end
---- `memory_budget`: bytes, or as in '4GB', that the process may take in a step, weights included; nine tenths of the machine's memory unless set [memory_budget]
---- `schedule`: of the learning rate; a function gets the step, from 0, and gives a factor
---- `num_warmup_steps`: steps in which the rate rises from 0; below 1 a part of all steps [model.lr_scheduler.lr_lambda.num_warmup_steps]
---- `num_training_steps`: where a cosine ends; the last step unless set [model.lr_scheduler.lr_lambda.num_training_steps]
---- `num_cycles`: of the cosine; 0.5 goes down once [model.lr_scheduler.lr_lambda.num_cycles]
---- `final_lr_ratio`: what the cosine never goes below [model.lr_scheduler.lr_lambda.final_lr_ratio]
---- `on_start`: is told which clips are left out; they are printed without it
---- `on_step`: ends the run by returning false
---@param opts {model: LanguageModel, data: Dataset, project: string, results?: string, config?: table, resume?: boolean, seed?: integer, max_steps?: integer, max_passes?: number, max_time?: number|string|table, batch_size?: integer, accumulate_grad_batches?: integer, gradient_clip_val?: number, lr?: number, betas?: number[], eps?: number, weight_decay?: number, ema_decay?: number, val_check_interval?: integer, limit_val_batches?: integer, every_n_train_steps?: integer, save_top_k?: integer, dry_run?: boolean, progress?: boolean, memory_budget?: number|string, schedule?: "constant"|"cosine"|function, num_warmup_steps?: number, num_training_steps?: integer, num_cycles?: number, final_lr_ratio?: number, on_start?: (fun(plan: FitPlan)), on_validation?: (fun(log: StepLog)), on_checkpoint?: (fun(path: string)), on_warning?: (fun(text: string)), on_step?: (fun(log: StepLog): any)} defaults: results = "results", resume = true, seed = 42, batch_size = 8, accumulate_grad_batches = 1, gradient_clip_val = 1.0, lr = 0.0001, betas = {0.9, 0.95}, eps = 1e-05, weight_decay = 0.0, ema_decay = 0.0, val_check_interval = 100, every_n_train_steps = 100, save_top_k = 2, dry_run = false, progress = true, schedule = "constant", num_warmup_steps = 10.0, num_cycles = 0.5, final_lr_ratio = 0.0
---@return FitResult
function train.fit(opts) end

---The optimizer: gradients in, updated parameters out.
---@class AdamW
---@field lr number The learning rate of the next step. `optimizer.lr  --> 0.0005`
local AdamW = {}

---Updates every parameter that has a gradient, in place.
---
---```lua
---w = tensor.ones(2):requires_grad(true)
---optimizer = train.adamw({ w }, { lr = 0.1 })
---for step = 1, 3 do
---  optimizer:zero_grad()
---  w:sum():backward()
---  optimizer:step()
---end
---w  --> [0.7000, 0.7000]
---```
function AdamW:step() end

---Forgets all gradients: `t.grad` is nil again.
---
---```lua
---w = tensor.ones(2):requires_grad(true)
---w:sum():backward()
---train.adamw({ w }):zero_grad()
---w.grad  --> nil
---```
function AdamW:zero_grad() end

---What it remembers, by parameter: `{step, exp_avg, exp_avg_sq}`. The tensors are its own, not copies.
---
---```lua
---w = tensor.ones(2):requires_grad(true)
---optimizer = train.adamw { w = w }
---w:sum():backward()
---optimizer:step()
---state = optimizer:state()
---state.w.step, state.w.exp_avg  --> 1, [0.1000, 0.1000]
---```
---@return table
function AdamW:state() end

---Puts back what `state` gave, as copies. For parameters given as a list the names are "1", "2", ...
---
---```lua
---w = tensor.ones(2):requires_grad(true)
---first, second = train.adamw({ w = w }), train.adamw({ w = w })
---w:sum():backward()
---first:step()
---second:set_state(first:state())
---second:state().w.step  --> 1
---```
---@param state table
function AdamW:set_state(state) end

return train
