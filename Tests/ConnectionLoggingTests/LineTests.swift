// SPDX-License-Identifier: Apache-2.0

import Datapath
import Foundation
import TLSClassifier
import Testing
import WireTypes

@testable import ConnectionLogging

