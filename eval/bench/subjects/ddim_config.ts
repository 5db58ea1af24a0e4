/** DiT's published scheduler settings, which serve where any would. */
export const ddimConfig = {
  _class_name: "DDIMScheduler",
  beta_schedule: "linear",
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
};
