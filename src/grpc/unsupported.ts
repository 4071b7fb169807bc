import { status, type handleServerStreamingCall, type handleUnaryCall } from "@grpc/grpc-js";

/** A method of a service that is served otherwise, and this one is not. */
export function unsupportedUnary<Request, Response>(details: string): handleUnaryCall<Request, Response> {
  return (_call, callback) => {
    callback({ code: status.UNIMPLEMENTED, details });
  };
}

/** The same for a method that would answer with a stream. */
export function unsupportedStream<Request, Response>(details: string): handleServerStreamingCall<Request, Response> {
  return (call) => {
    call.emit("error", { code: status.UNIMPLEMENTED, details });
  };
}
