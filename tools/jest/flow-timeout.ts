// A flow test waits for real processes; projects cannot set this limit in the configuration.
const FLOW_TEST_MS_MAX = 120_000;

jest.setTimeout(FLOW_TEST_MS_MAX);
