-- The firefly architecture in small: 16 kHz, 25 frames per second, 4 codebooks of 240 codes.
return {
  spec_transform = { sample_rate = 16000, n_mels = 80, n_fft = 640, hop_length = 160, win_length = 640 },
  backbone = { input_channels = 80, depths = { 1, 1, 2, 1 }, dims = { 64, 96, 128, 128 }, drop_path_rate = 0.0, kernel_size = 7 },
  head = {
    hop_length = 160, upsample_rates = { 10, 4, 4 }, upsample_kernel_sizes = { 20, 8, 8 },
    resblock_kernel_sizes = { 3 }, resblock_dilation_sizes = { { 1, 3, 5 } },
    num_mels = 128, upsample_initial_channel = 192, pre_conv_kernel_size = 13, post_conv_kernel_size = 13,
  },
  quantizer = { input_dim = 128, n_groups = 4, n_codebooks = 1, levels = { 8, 6, 5 }, downsample_factor = { 2, 2 } },
}
