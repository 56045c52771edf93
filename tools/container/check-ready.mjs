// The health check of a container: does the process on this port say that it can work? The image has no curl.
const [port, path = '/health/ready'] = process.argv.slice(2);
const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(2_500) }).catch(() => undefined);
process.exitCode = response?.ok ? 0 : 1;
