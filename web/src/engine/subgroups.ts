/** What the browser offers of WebGPU. */
export type GpuFound = "missing" | "no_adapter" | "plain" | "subgroups";

/**
 * Looks for an adapter. wgpu does not ask browsers for subgroups yet, so where the adapter has them this adds the
 * feature to each device that is asked for; the engine then sees it on its device. To be removed when wgpu maps it.
 */
export async function addSubgroups(): Promise<GpuFound> {
  const { gpu } = navigator as Partial<Navigator>;
  if (!gpu) return "missing";
  const adapter = await gpu.requestAdapter();
  if (!adapter) return "no_adapter";
  if (!adapter.features.has("subgroups")) return "plain";
  const original = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = function requestDevice(this: GPUAdapter, wanted?: GPUDeviceDescriptor) {
    const features = new Set<GPUFeatureName>(wanted?.requiredFeatures ?? []);
    if (this.features.has("subgroups")) features.add("subgroups");
    return original.call(this, { ...wanted, requiredFeatures: [...features] });
  };
  return "subgroups";
}
