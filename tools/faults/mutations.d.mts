export const MUTATIONS: Readonly<Record<string, object>>;
