-- A codec of a few thousand weights for tests: 16 kHz, 25 frames per second.
return {
  spec_transform = { sample_rate = 16000, n_mels = 20, n_fft = 640, hop_length = 160, win_length = 640 },
  backbone = { input_channels = 20, depths = { 1, 1 }, dims = { 8, 16 }, drop_path_rate = 0, kernel_size = 7 },
  head = { hop_length = 160, upsample_rates = { 10, 4, 4 }, upsample_kernel_sizes = { 20, 8, 8 }, resblock_kernel_sizes = { 3 },
    resblock_dilation_sizes = { { 1, 3, 5 } }, num_mels = 16, upsample_initial_channel = 16, pre_conv_kernel_size = 7, post_conv_kernel_size = 7 },
  quantizer = { input_dim = 16, n_groups = 2, n_codebooks = 2, levels = { 8, 6, 5 }, downsample_factor = { 2, 2 } },
}
