export declare const workspace: string;
export declare const workspaceNode: string;
export declare const KAFKA_VERSION: string;
export declare class PreflightError extends Error {}
export declare function checkMachine(needs: { needsKafka: boolean }): void;
export declare function installWhenNeeded(): Promise<void>;
export declare function continueUnderWorkspaceNode(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<void>;
export declare function sayAndFail(error: unknown): void;
export declare function isInstalled(root?: string): boolean;
