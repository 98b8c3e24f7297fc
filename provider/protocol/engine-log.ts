import { credentials, Metadata } from "@grpc/grpc-js";
import enginerpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginepb from "@pulumi/pulumi/proto/engine_pb.js";

/** Pulumi's own limit for one message, in bytes: large enough for any object of a cluster. */
const maxMessageBytes = 400 * 1024 * 1024;

/** Options of the protocol's channels and servers. All of them are on this machine, so they use no proxy. */
export const channelOptions = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  "grpc.enable_http_proxy": 0,
} as const;

type Severity = enginepb.LogSeverity;

/** The log of one resource, or of the whole update if the URN is empty. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  /** A transient status: the engine shows it next to the resource while it works on it. */
  status(message: string): void;
}

/** How long a log line may wait for an engine that does not answer, in milliseconds. */
const logDeadline = 5_000;

/**
 * The engine's log. Messages are sent in order. {@link flush} waits for them, so that they arrive before the
 * result of their operation. An engine that does not answer is ignored.
 */
export class EngineLog {
  #client: enginerpc.EngineClient | undefined;
  #sent: Promise<void> = Promise.resolve();

  /** Sends later messages to the engine at this address (host:port). */
  connect(address: string): void {
    this.#client?.close();
    this.#client = new enginerpc.EngineClient(address, credentials.createInsecure(), channelOptions);
  }

  /** The client of the engine, if its address is known. */
  get client(): enginerpc.EngineClient | undefined {
    return this.#client;
  }

  of(urn: string): Log {
    const at = (severity: Severity, ephemeral: boolean) => (message: string) => {
      this.#send(severity, urn, message, ephemeral);
    };
    return {
      info: at(enginepb.LogSeverity.INFO, false),
      warn: at(enginepb.LogSeverity.WARNING, false),
      status: at(enginepb.LogSeverity.INFO, true),
    };
  }

  async flush(): Promise<void> {
    await this.#sent;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #send(severity: Severity, urn: string, message: string, ephemeral: boolean): void {
    const client = this.#client;
    if (client === undefined) return;
    const request = new enginepb.LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    this.#sent = this.#sent.then(
      () =>
        new Promise<void>((resolve) => {
          client.log(request, new Metadata(), { deadline: Date.now() + logDeadline }, () => {
            resolve();
          });
        }),
    );
  }
}
