// Original file: proto/csi.proto


export interface NodeGetInfoResponse {
  'nodeId'?: (string);
}

export interface NodeGetInfoResponse__Output {
  'nodeId': (string);
}
