/** For tests: records the tensors that go to a GPU, come from it, and are given back. */
import { DeviceTensor, Session } from "@dip-go/core/runtime";
import { sizeOf } from "@dip-go/core/tensor";

export interface DeviceTraffic {
  /** Elements of each tensor that a session read from the host, in order. */
  readonly toDevice: readonly number[];
  /** Elements of each tensor that a session left on the host, in order. */
  readonly toHost: readonly number[];
  /** Tensors made on the device, in order. */
  readonly made: readonly DeviceTensor[];
  /** The indices in `made` of the tensors given back, each as often as it was given back. */
  readonly disposed: readonly number[];
}

/** Calls `run` with the growing record of all sessions' traffic; nothing else may run meanwhile. */
export async function withTraffic<T>(
  run: (traffic: DeviceTraffic) => Promise<T>,
): Promise<T> {
  const toDevice: number[] = [];
  const toHost: number[] = [];
  const made: DeviceTensor[] = [];
  const disposed: number[] = [];
  const { runKeeping } = Session.prototype;
  const { dispose } = DeviceTensor.prototype;
  Session.prototype.runKeeping = async function (feeds) {
    for (const tensor of Object.values(feeds)) {
      if (!(tensor instanceof DeviceTensor)) {
        toDevice.push(sizeOf(tensor.shape));
      }
    }
    const results = await runKeeping.call(this, feeds);
    const all = { ...results.outputs, ...results.kept };
    for (const tensor of Object.values(all)) {
      if (tensor instanceof DeviceTensor) made.push(tensor);
      else toHost.push(sizeOf(tensor.shape));
    }
    return results;
  };
  DeviceTensor.prototype.dispose = function () {
    disposed.push(made.indexOf(this));
    dispose.call(this);
  };
  try {
    return await run({ toDevice, toHost, made, disposed });
  } finally {
    Session.prototype.runKeeping = runKeeping;
    DeviceTensor.prototype.dispose = dispose;
  }
}
