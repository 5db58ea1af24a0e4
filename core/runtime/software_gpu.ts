/**
 * A GPU in software, for machines without one: SwiftShader's Vulkan, which
 * Debian's package `chromium` carries. It computes right and about a thousand
 * times slower than a GPU.
 */

/** Where Debian's package puts them. */
const folder = "/usr/lib/chromium";

/** The system's temporary folder serves as the one in which drivers keep sockets. */
const temporary = "/tmp";

let loaded = false;

/**
 * Makes `device: "webgpu"` the software device, for sessions opened from now
 * on; needs the permissions for FFI and the environment.
 *
 * @returns Whether there is one.
 */
export function useSoftwareGpu(): boolean {
  if (loaded) return true;
  try {
    // Dawn looks for the loader by its name alone, which finds it once it is loaded.
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
