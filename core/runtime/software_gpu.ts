/**
 * A GPU in software, for machines without one: SwiftShader's Vulkan, of Debian's
 * package `chromium`. Its results are right, but it is about a thousand times
 * slower than a GPU.
 */

/** The folder of Debian's package. */
const folder = "/usr/lib/chromium";

/** The folder for the drivers' sockets, if the environment names none. */
const temporary = "/tmp";

let loaded = false;

/**
 * Makes `device: "webgpu"` the software device, for sessions opened from now
 * on; needs the permissions for FFI and the environment.
 *
 * @returns Whether the machine has it.
 */
export function useSoftwareGpu(): boolean {
  if (loaded) return true;
  try {
    // Dawn looks for the loader by its bare name, which works once the library is loaded.
    Deno.dlopen(`${folder}/libvulkan.so.1`, {});
  } catch {
    return false;
  }
  Deno.env.set("VK_DRIVER_FILES", `${folder}/vk_swiftshader_icd.json`);
  if (!Deno.env.has("XDG_RUNTIME_DIR")) {
    Deno.env.set("XDG_RUNTIME_DIR", temporary);
  }
  return loaded = true;
}
