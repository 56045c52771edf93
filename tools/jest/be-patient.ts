// Tests here wait for real servers and processes: on a busy machine that takes longer than jest's five seconds.
jest.setTimeout(60_000);
