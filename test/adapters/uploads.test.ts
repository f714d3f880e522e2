import { uploadContract } from '../contracts/upload-contract.js';
import { everyDoor, formDataDoor } from './every-door.js';

for (const [name, door] of Object.entries(everyDoor)) uploadContract(name, door, { parses: true });
uploadContract('a FormData', formDataDoor, { parses: false });
