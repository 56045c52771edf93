import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { ADMIN_KEY } from './create-api.js';

const PROTO = join(import.meta.dirname, '../../../../libs/contracts/src/proto/segmentation.proto');
const LOADER = { keepCase: true, longs: Number, defaults: true };

type Done = (error: grpc.ServiceError | null, answer: object) => void;
type Calls = grpc.Client & { [method: string]: (request: object, metadata: grpc.Metadata, done?: Done) => grpc.ClientReadableStream<object> };

/** Calls over the wire, as a client in any language makes them. Errors become `{ status, code }`. */
export class MembershipClient {
  readonly #calls: Calls;

  constructor(url: string) {
    const { tributary } = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, LOADER)) as unknown as { tributary: { segmentation: { v1: { SegmentMembership: new (...args: unknown[]) => Calls } } } };
    this.#calls = new tributary.segmentation.v1.SegmentMembership(url, grpc.credentials.createInsecure());
  }

  call(method: 'IsMember' | 'BatchIsMember' | 'ListSegments', request: object, key = ADMIN_KEY): Promise<object> {
    return new Promise((resolve) => this.#calls[method]!(request, metadataOf(key), (error, answer) => resolve(error === null ? answer : failureOf(error))));
  }

  /** All that a stream brings, until it ends or `count` have come. */
  stream(method: 'ListMembers' | 'Watch', request: object, count = Infinity): Promise<object[]> {
    return new Promise((resolve) => {
      const all: object[] = [];
      const stream = this.#calls[method]!(request, metadataOf(ADMIN_KEY));
      stream.on('data', (one: object) => {
        all.push(one);
        if (all.length >= count) stream.cancel();
      });
      stream.on('error', (error: grpc.ServiceError) => resolve(error.code === grpc.status.CANCELLED ? all : [...all, failureOf(error)]));
      stream.on('end', () => resolve(all));
    });
  }

  close(): void {
    this.#calls.close();
  }
}

function metadataOf(key: string): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}

function failureOf(error: grpc.ServiceError): object {
  return { status: grpc.status[error.code], code: error.metadata.get('problem-code')[0] };
}
