/**
 * wgpu does not ask browsers for subgroups yet, so this adds the feature to each device it asks for. The engine is told
 * and then uses the kernels that begin with `enable subgroups;`. To be removed when wgpu maps the feature.
 *
 * Returns whether devices of this worker will have subgroups.
 */
export async function addSubgroups(): Promise<boolean> {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter();
  if (!adapter?.features.has("subgroups")) return false;
  const original = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = function requestDevice(this: GPUAdapter, wanted?: GPUDeviceDescriptor) {
    const features = new Set<GPUFeatureName>(wanted?.requiredFeatures ?? []);
    if (this.features.has("subgroups")) features.add("subgroups");
    return original.call(this, { ...wanted, requiredFeatures: [...features] });
  };
  return true;
}
