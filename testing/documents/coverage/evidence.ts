/** The evidence of what tests run: the names that they register, and the cases that they read from testdata/. */
import { recordedChains, recordedPipelines } from "./recorded_cases.ts";

/** A test, or a recorded case that a test runs. */
export interface Evidence {
  readonly file: string;
  readonly name: string;
}

/** Files of tests whose names say what they cover. */
const files = [
  "core/hub/needed_files_test.ts",
  "core/hub/snapshot_test.ts",
  "core/models/clip/clip_test.ts",
  "core/models/fuse_loras_test.ts",
  "core/models/half_precision_test.ts",
  "core/models/known/known_models_test.ts",
  "core/models/mmdit/mmdit_test.ts",
  "core/models/pixart/pixart_test.ts",
  "core/models/t5/t5_test.ts",
  "core/models/unet/unet_test.ts",
  "core/models/weights/weight_file_test.ts",
  "core/pipeline/kinds/prompts_of_kinds_test.ts",
  "core/pipeline/model_place_test.ts",
  "core/pipeline/start/pictures_start_test.ts",
  "core/samplers/schedule/scheduler_config_test.ts",
  "core/samplers/schedulers/flow/flow_match_test.ts",
  "core/text/recorded_test.ts",
  "core/files/weights/find_weights_test.ts",
  "core/weights/open_tensor_file_test.ts",
  "core/weights/safetensors_test.ts",
  "core/weights/torch/torch_file_test.ts",
  "eval/conformance/cases/autoencoder_case_test.ts",
  "eval/conformance/cases/clip_case_test.ts",
  "eval/conformance/cases/network_case_test.ts",
  "eval/conformance/cases/network_gradients_test.ts",
  "experiments/commands/export/export_test.ts",
  "experiments/commands/inspect/full_size_test.ts",
  "experiments/run/runner_test.ts",
  "supernet/compile/compile_sub_net_test.ts",
  "supernet/supernet_test.ts",
  "supernet/training/training_form_test.ts",
  "supernet/unet_families_test.ts",
  "testing/gpu/device_workspace_on_gpu.ts",
  "testing/gpu/session_on_gpu.ts",
  "testing/gpu/supernet_on_gpu.ts",
];

/**
 * Reads the names of all tests in `files`, and of all recorded cases.
 *
 * @param root Folder of the repository, with a final slash.
 * @throws {Error} If a file of tests cannot be loaded, or a case not be read.
 */
export async function readEvidence(root: string): Promise<Evidence[]> {
  return [
    ...await registeredTests(root),
    ...(await recordedPipelines(`${root}testdata/pipelines`)).map((
      { file, pipeline, scheduler, name },
    ) => ({ file, name: `${pipeline} under ${scheduler}: ${name}` })),
    ...(await recordedChains(`${root}testdata/samplers/chains.json`)).map((
      { file, scheduler, keys },
    ) => ({ file, name: `chain of ${scheduler}: ${keys}` })),
  ];
}

async function registeredTests(root: string): Promise<Evidence[]> {
  const args = ["run", "--no-check", "--allow-all"];
  const script = new URL("list_tests.ts", import.meta.url).href;
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [...args, script, ...files],
    cwd: root || ".",
  }).output();
  const text = new TextDecoder().decode(success ? stdout : stderr);
  if (success) return JSON.parse(text);
  throw new Error(`Cannot list tests: ${text}`);
}
