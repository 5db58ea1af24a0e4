import { assertThrows } from "@std/assert";
import { float32, int64, tensor } from "../tensor/tensor.ts";
import { checkFinite } from "./finite.ts";

Deno.test("checkFinite() names file, tensor and index of the first NaN or infinity", () => {
  const origin = { path: "a.safetensors", name: "conv.weight" };
  checkFinite(float32([2], [1, -3e38]), origin);
  checkFinite(int64([1], [1]), origin);
  checkFinite(tensor("float16", [2], Uint16Array.of(0x7bff, 0x8001)), origin);
  assertThrows(
    () => checkFinite(float32([2, 2], [0, 1, NaN, Infinity]), origin),
    RangeError,
    'Cannot use a.safetensors: tensor "conv.weight" is not finite at index 2 of [2,2]',
  );
  assertThrows(
    () => checkFinite(tensor("float16", [1], Uint16Array.of(0xfc00)), origin),
    RangeError,
    "index 0",
  );
});
