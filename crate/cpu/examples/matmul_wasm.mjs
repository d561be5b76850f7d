// Runs the module of matmul_wasm.rs under node: `node matmul_wasm.mjs module.wasm [threads] [ids of types]`.
import { readFileSync } from "node:fs";
import { Worker, isMainThread, workerData } from "node:worker_threads";

const now = () => performance.now() / 1000;

if (!isMainThread) {
  const { module, memory, stack, tls } = workerData;
  const { exports } = new WebAssembly.Instance(module, { env: { memory, now } });
  exports.__stack_pointer.value = stack;
  exports.__wasm_init_tls(tls);
  exports.serve();
} else {
  const [path, threads = "1", ids = "8,2,3,1,0"] = process.argv.slice(2);
  const module = new WebAssembly.Module(readFileSync(path));
  const shared = WebAssembly.Module.imports(module).some((each) => each.kind === "memory");
  const memory = shared && new WebAssembly.Memory({ initial: 1024, maximum: 65536, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { now, ...(shared && { memory }) } });
  const workers = [];
  for (let index = 1; shared && index < Number(threads); index++) {
    const stack = exports.allocate(1 << 20) + (1 << 20);
    const tls = exports.allocate(exports.__tls_size.value + 64);
    workers.push(new Worker(new URL(import.meta.url), { workerData: { module, memory, stack, tls } }));
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  console.log("largest NMSE", exports.worst_error(Number(threads)));
  for (const id of ids.split(",").map(Number)) {
    const bytes = exports.prepare(id, 128);
    exports.step_seconds(Number(threads), 1, 3);
    exports.step_seconds(Number(threads), 128, 1);
    // The least wall time, and the processor time of all runs, which other programs disturb less.
    const time = (rows, runs) => {
      const start = process.cpuUsage();
      const least = exports.step_seconds(Number(threads), rows, runs);
      const used = process.cpuUsage(start);
      return [rows / least, (rows * runs * 1e6) / (used.user + used.system)];
    };
    const [decode, decodeUsed] = time(1, 10);
    const [prefill, prefillUsed] = time(128, 2);
    console.log(
      `type ${id}, ${threads} threads: decode ${decode.toFixed(1)}/s (${((bytes * decode) / 1e9).toFixed(1)} GB/s),`,
      `prefill of 128 ${prefill.toFixed(0)}/s;`,
      `by processor time ${decodeUsed.toFixed(1)}/s, ${prefillUsed.toFixed(0)}/s`,
    );
  }
  for (const worker of workers) await worker.terminate();
}
