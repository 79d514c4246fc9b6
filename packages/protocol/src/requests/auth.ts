import { defineRequest } from '../schema/define-request.ts'
import { optional, string } from '../schema/fields.ts'
import { rpcFields } from './common-fields.ts'

/** Creates the user in the body. */
export const AuthCreateUser = defineRequest({
  code: 3001,
  name: 'AUTH_CREATE_USER',
  doc: 'Creates the user in the body.',
  source: 'CreateUserRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    username: optional(string, 'Name of the user.'),
  },
  reply: {},
})

/** Changes the user in the body. */
export const AuthUpdateUser = defineRequest({
  code: 3002,
  name: 'AUTH_UPDATE_USER',
  doc: 'Changes the user in the body.',
  source: 'UpdateUserRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    username: optional(string, 'Name of the user.'),
  },
  reply: {},
})

/** Deletes a user. */
export const AuthDeleteUser = defineRequest({
  code: 3003,
  name: 'AUTH_DELETE_USER',
  doc: 'Deletes a user.',
  source: 'DeleteUserRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    username: optional(string, 'Name of the user.'),
  },
  reply: {},
})

/** Asks for a user. */
export const AuthGetUser = defineRequest({
  code: 3004,
  name: 'AUTH_GET_USER',
  doc: 'Asks for a user.',
  source: 'GetUserRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    username: optional(string, 'Name of the user.'),
  },
  reply: {},
})

/** Lists users. */
export const AuthListUser = defineRequest({
  code: 3005,
  name: 'AUTH_LIST_USER',
  doc: 'Lists users.',
  source: 'ListUserRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    filter: optional(string, 'Part of the name.'),
  },
  reply: {},
})

/** Creates the rules in the body. */
export const AuthCreateAcl = defineRequest({
  code: 3006,
  name: 'AUTH_CREATE_ACL',
  doc: 'Creates the rules in the body.',
  source: 'CreateAclRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    subject: optional(string, 'Whom they are about, `User:name`.'),
  },
  reply: {},
})

/** Changes to the rules in the body. */
export const AuthUpdateAcl = defineRequest({
  code: 3007,
  name: 'AUTH_UPDATE_ACL',
  doc: 'Changes to the rules in the body.',
  source: 'UpdateAclRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    subject: optional(string, 'Whom they are about, `User:name`.'),
  },
  reply: {},
})

/** Deletes rules. */
export const AuthDeleteAcl = defineRequest({
  code: 3008,
  name: 'AUTH_DELETE_ACL',
  doc: 'Deletes rules.',
  source: 'DeleteAclRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    subject: optional(string, 'Whom they are about, `User:name`.'),
    policyType: optional(string, 'Custom or Default.'),
    resource: optional(string, 'What they are about, `Topic:name`.'),
  },
  reply: {},
})

/** Asks for the rules of a subject. */
export const AuthGetAcl = defineRequest({
  code: 3009,
  name: 'AUTH_GET_ACL',
  doc: 'Asks for the rules of a subject.',
  source: 'GetAclRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    subject: optional(string, 'Whom they are about, `User:name`.'),
  },
  reply: {},
})

/** Lists rules. */
export const AuthListAcl = defineRequest({
  code: 3010,
  name: 'AUTH_LIST_ACL',
  doc: 'Lists rules.',
  source: 'ListAclRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    subjectFilter: optional(string, 'Part of the subject.'),
    resourceFilter: optional(string, 'Part of the resource.'),
  },
  reply: {},
})
