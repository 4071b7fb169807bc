// Original file: proto/csi.proto


export interface ControllerServiceCapability {
}

export interface ControllerServiceCapability__Output {
}
