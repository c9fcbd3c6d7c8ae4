// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// The BTF that the kernel keeps of a map: how whoever made it saw its keys and values.
///
/// A bare integer is a layout of one member with the path `value`. Asking needs CAP_SYS_ADMIN.
@safe struct TypeDescriptions: ~Copyable {
    private let btf: OpaquePointer

    /// Asks the kernel for a BTF object by its id.
    init(id: UInt32, of what: String) throws(BPFError) {
        guard id != 0 else {
            throw BPFError("\(what) has no BTF: the kernel cannot tell how its rows are laid out")
        }
        // Owned by this value until deinit.
        guard let btf = unsafe btf__load_from_kernel_by_id(id) else {
            let number = Glibc.errno
            throw BPFError(
                "cannot read the BTF of \(what)", errno: number,
                detail: number == EPERM ? "It needs CAP_SYS_ADMIN" : "")
        }
        unsafe self.btf = btf
    }

    deinit { unsafe btf__free(btf) }

    /// The layout of the type with that id.
    borrowing func layout(of id: UInt32, _ what: String) throws(BPFError) -> StructLayout {
        let size = unsafe btf__resolve_size(btf, id)
        guard size > 0 else { throw BPFError("\(what) has no size in its BTF") }
        var layout = StructLayout(what, size: Int(size), [])
        try add(id, at: 0, path: "", to: &layout)
        return layout
    }

    private borrowing func add(
        _ id: UInt32, at offset: Int, path: String, to layout: inout StructLayout
    ) throws(BPFError) {
        let (type, isWire) = try unsafe resolve(id, layout.name)
        if unsafe Int(btf_kind(type)) == BTF_KIND_STRUCT {
            return try unsafe addMembers(of: type, at: offset, path: path, to: &layout)
        }
        let size = unsafe btf__resolve_size(btf, id)
        guard size > 0 else {
            throw BPFError("member \(path) of \(layout.name) has no size in its BTF")
        }
        let kind = isWire ? .opaque : unsafe kind(of: type)
        layout.members.append(
            .init(path.isEmpty ? "value" : path, at: offset, size: Int(size), kind))
    }

    /// Kernel BTF has no struct inside itself: the walk ends.
    private borrowing func addMembers(
        of type: UnsafePointer<btf_type>, at offset: Int, path: String,
        to layout: inout StructLayout
    ) throws(BPFError) {
        // libbpf has checked that as many members as `vlen` says follow the type.
        let members = unsafe UnsafeBufferPointer(
            start: btf_members(type), count: Int(btf_vlen(type)))
        for index in members.indices {
            let name = unsafe text(members[index].name_off)
            // A struct without a name has its members in the one around it.
            let full = path.isEmpty || name.isEmpty ? path + name : "\(path).\(name)"
            let bit = unsafe btf_member_bit_offset(type, UInt32(index))
            guard unsafe btf_member_bitfield_size(type, UInt32(index)) == 0, bit % 8 == 0 else {
                throw BPFError("member \(full) of \(layout.name) is a bit field")
            }
            try add(
                unsafe members[index].type, at: offset + Int(bit / 8), path: full, to: &layout)
        }
    }

    /// The type behind typedefs, const and the like, and whether a name says network byte order.
    private borrowing func resolve(_ id: UInt32, _ what: String) throws(BPFError) -> (
        UnsafePointer<btf_type>, isWire: Bool
    ) {
        var id = id
        var isWire = false
        // libbpf follows no longer chains either.
        for _ in 0..<32 {
            guard let type = unsafe btf__type_by_id(btf, id) else { break }
            guard unsafe btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type) else {
                return unsafe (type, isWire)
            }
            if unsafe btf_is_typedef(type) {
                isWire = unsafe isWire || text(type.pointee.name_off).hasPrefix("__be")
            }
            id = unsafe type.pointee.type
        }
        throw BPFError("\(what) has a type that its BTF does not have")
    }

    private borrowing func kind(of type: UnsafePointer<btf_type>) -> StructLayout.Kind {
        if unsafe btf_is_array(type) { return .array }
        if unsafe btf_is_any_enum(type) { return .unsigned }
        guard unsafe btf_is_int(type) else { return .opaque }
        return unsafe Int32(btf_int_encoding(type)) & BTF_INT_SIGNED != 0 ? .signed : .unsigned
    }

    private borrowing func text(_ offset: UInt32) -> String {
        // Strings live as long as `btf`; nil only for offsets that libbpf would have refused.
        guard let name = unsafe btf__name_by_offset(btf, offset) else { return "" }
        return unsafe String(cString: name)
    }
}

/// The layouts of the keys and values of the map behind a descriptor.
func mapLayouts(_ number: Int32, _ name: String) throws(BPFError) -> (
    key: StructLayout, value: StructLayout
) {
    var details = bpf_map_info()
    var length = UInt32(MemoryLayout<bpf_map_info>.size)
    // The kernel writes at most `length` bytes into the local.
    let result = unsafe bpf_obj_get_info_by_fd(number, &details, &length)
    try check(result, "cannot ask for the types of map \(name)")
    let types = try TypeDescriptions(id: details.btf_id, of: "map \(name)")
    return (
        try types.layout(of: details.btf_key_type_id, "the key of map \(name)"),
        try types.layout(of: details.btf_value_type_id, "the value of map \(name)")
    )
}

extension BPFMap {
    /// How the kernel knows keys and values.
    public borrowing func layouts() throws(BPFError) -> (key: StructLayout, value: StructLayout) {
        try mapLayouts(descriptor.number, name)
    }
}
